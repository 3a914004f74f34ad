/** What ends TLS in front of a gateway, as in production, and writes down what came. */

import { request as ask } from "node:http";
import { createServer } from "node:https";

/** Serve `gateway` over TLS; resolves, when it is there, with the server and all that came to it. */
export function front(port, gateway, tls) {
  const came = [];
  const server = createServer(tls, (request, response) => {
    came.push({ method: request.method, url: request.url, ...request.headers });
    const headers = { ...request.headers, "x-forwarded-for": "127.0.0.1", "x-forwarded-proto": "https" };
    const onward = ask(new URL(request.url, gateway), { method: request.method, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    request.pipe(onward);
  });
  return new Promise((resolve) => server.listen(port, "127.0.0.1", () => resolve({ server, came })));
}
