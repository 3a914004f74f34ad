/** The GraphQL client of the landing pages. */

const endpoint = document.querySelector("meta[name=graphql-endpoint]").content;

/** An error of the gateway, with its `extensions`. The code is `OUT_OF_REACH` if there was no response. */
export class GatewayError extends Error {
  constructor(extensions) {
    super(extensions.code);
    this.extensions = extensions;
  }
}

/** Run a document with one mutation and return its payload. */
export async function run(query, variables) {
  const response = await send({ query, variables });
  const result = await response.json().catch(() => null);
  // A proxy responds without JSON if it cannot reach the gateway.
  if (!result) throw new GatewayError({ code: response.status < 500 ? "UNREADABLE" : "SERVICE_UNAVAILABLE" });
  if (result.errors) throw new GatewayError(result.errors[0].extensions ?? { code: "UNREADABLE" });
  return Object.values(result.data)[0];
}

function send(params) {
  const headers = { "Content-Type": "application/json", Accept: "application/json" };
  return fetch(endpoint, { method: "POST", headers, body: JSON.stringify(params) }).catch(() => {
    throw new GatewayError({ code: "OUT_OF_REACH" });
  });
}
