/** A landing page: one step at a time, each of which asks the gateway for one thing when its button is pressed. */

import { takeToken } from "./address.js";
import { busily, clear, complain, isComplete, reveal, valuesOf } from "./form.js";
import { Refused, ask } from "./gateway.js";
import { fill, show, tell } from "./steps.js";
import { OF_CODE, facts, inWords } from "./words.js";

const { first } = document.querySelector("main").dataset;
// Of the link; here and nowhere else, until it has served or proven to be none.
let token = null;

/** Begin with what the address holds: again where a link only changes the fragment of an open page. */
function start(event) {
  const found = takeToken();
  if (event && !found) return;
  token = found;
  clear();
  show(token ? "link" : first, "", !event);
}

async function submit(form) {
  tell("");
  if (!isComplete(form)) return;
  const { document: query, next, brings, says } = form.dataset;
  const variables = brings ? { ...valuesOf(form), token } : valuesOf(form);
  try {
    const payload = await ask(query, variables);
    if (next === "done") finish(payload);
    else show(next, says);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    refuse(form, error.extensions);
  }
}

function finish(payload) {
  token = null;
  clear();
  fill(facts(payload));
  show("done");
}

function refuse(form, { code, fieldErrors = [], ...more }) {
  const isOfToken = code in OF_CODE;
  if (isOfToken && form.dataset.brings) {
    token = null;
    show(code === "TOKEN_EXPIRED" ? "expired" : "spent");
    return;
  }
  const errors = isOfToken ? [{ field: "token", message: OF_CODE[code] }] : fieldErrors;
  if (complain(form, errors)) return;
  tell(errors.map(({ message }) => message).join(" ") || inWords({ code, ...more }), true);
}

document.addEventListener("submit", (event) => {
  event.preventDefault();
  busily(event.target, () => submit(event.target));
});
document.addEventListener("click", ({ target }) => {
  if (target.matches("[data-goes]")) show(target.dataset.goes);
  if (target.matches(".reveal")) reveal(target);
});
globalThis.addEventListener("hashchange", start);
start();
