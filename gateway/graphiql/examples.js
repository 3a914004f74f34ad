/** The three tabs that GraphiQL opens with. Run them from left to right, without changes. */

const REGISTER = `# 1 of 3. Press the play button:
# it creates an account and signs
# you in. Press again for another.
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

const SIGN_IN = `# 2 of 3. Sign in to the account.
# The bar above shows the token
# that your requests send.
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

const ME = `# 3 of 3. Read your account.
# This page adds the token.
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

/** Return the tabs, with the data of a new account. */
export function exampleTabs(account = newAccount()) {
  const { username, password } = account;
  return [
    { query: REGISTER, variables: pretty(account) },
    { query: SIGN_IN, variables: pretty({ username, password }) },
    { query: ME },
  ];
}

/** Return variables for the Register tab, with another new account. */
export const nextVariables = () => pretty(newAccount());

/** Return whether a request is the Register example with an account of this page. */
export function isRegisterExample({ query, variables }) {
  return query.trim() === REGISTER.trim() && /^alice_[0-9a-z]{5}$/.test(variables?.username);
}

function newAccount() {
  const username = `alice_${random(36 ** 5).toString(36).padStart(5, "0")}`;
  return { username, email: `${username}@example.com`, password: passphrase() };
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
