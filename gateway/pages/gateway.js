/** Speaks to the gateway as any client does. */

const endpoint = document.querySelector("meta[name=graphql-endpoint]").content;

/** What the gateway refused, by its `extensions`; `OUT_OF_REACH` where no answer came. */
export class Refused extends Error {
  constructor(extensions) {
    super(extensions.code);
    this.extensions = extensions;
  }
}

/** Run a document of one mutation; gives its payload. */
export async function ask(query, variables) {
  const response = await send({ query, variables });
  const answer = await response.json().catch(() => null);
  // A proxy that finds no gateway behind it answers in its own words.
  if (!answer) throw new Refused({ code: response.status < 500 ? "UNREADABLE" : "SERVICE_UNAVAILABLE" });
  if (answer.errors) throw new Refused(answer.errors[0].extensions ?? { code: "UNREADABLE" });
  return Object.values(answer.data)[0];
}

function send(params) {
  const headers = { "Content-Type": "application/json", Accept: "application/json" };
  return fetch(endpoint, { method: "POST", headers, body: JSON.stringify(params) }).catch(() => {
    throw new Refused({ code: "OUT_OF_REACH" });
  });
}
