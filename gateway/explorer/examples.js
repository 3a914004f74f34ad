/** The three tabs that GraphiQL opens with: they run as they are, from left to right. */

const REGISTER = `# 1 of 3: press the play button.
# It makes an account and signs you in.
mutation Register(
  $username: String!
  $email: String!
  $password: String!
) {
  register(
    username: $username
    email: $email
    password: $password
    deviceName: "GraphiQL"
  ) {
    user {
      id
      username
    }
    token
    refreshToken
  }
}
`;

const SIGN_IN = `# 2 of 3: the same account, once more.
# The bar above shows what is sent now.
mutation SignIn(
  $username: String!
  $password: String!
) {
  tokenAuth(
    username: $username
    password: $password
    deviceName: "GraphiQL"
  ) {
    user {
      username
    }
    token
    refreshToken
    refreshExpiresIn
  }
}
`;

const ME = `# 3 of 3: who am I?
# The token is added for you.
query Me {
  me {
    username
    email
    isEmailVerified
    sessions {
      deviceName
      ipAddress
      isCurrent
    }
  }
}
`;

const WORDS = (
  "amber basil cedar delta ember fjord gravel harbor indigo juniper kettle lagoon meadow nectar " +
  "orchid pepper quartz ribbon saffron timber umber velvet willow zephyr"
).split(" ");

/** The tabs, for an account that nobody has yet. */
export function exampleTabs() {
  const username = `alice_${random(36 ** 5).toString(36).padStart(5, "0")}`;
  const email = `${username}@example.com`;
  const password = passphrase();
  return [
    { query: REGISTER, variables: pretty({ username, email, password }) },
    { query: SIGN_IN, variables: pretty({ username, password }) },
    { query: ME },
  ];
}

function passphrase() {
  const words = [...WORDS];
  const chosen = Array.from({ length: 4 }, () => words.splice(random(words.length), 1)[0]);
  return `${chosen.join("-")}-${10 + random(90)}`;
}

function random(below) {
  return crypto.getRandomValues(new Uint32Array(1))[0] % below;
}

function pretty(value) {
  return JSON.stringify(value, null, 2);
}
