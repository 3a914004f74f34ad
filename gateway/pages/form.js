/** What a form holds, and what is wrong with it. */

import { MISSING, NO_ADDRESS } from "./words.js";

const fields = (form) => [...form.querySelectorAll("input:not([hidden])")];
const textUnder = (input) => input.closest(".field").querySelector(".error");

/** The fields' values by their names, which are those of the mutation's variables. */
export function valuesOf(form) {
  return Object.fromEntries(fields(form).map(({ name, value }) => [name, name === "newPassword" ? value : value.trim()]));
}

/** Whether every field is filled in; says what is not. */
export function isComplete(form) {
  const wrong = fields(form).filter(({ validity }) => validity.valueMissing || validity.typeMismatch);
  return !complain(form, wrong.map(({ name, validity }) => ({ field: name, message: validity.valueMissing ? MISSING : NO_ADDRESS })));
}

/** Write each message under its field and focus the first of them; whether there was any such field. */
export function complain(form, errors) {
  for (const input of fields(form)) {
    const message = errors.filter(({ field }) => field === input.name).map((error) => error.message).join(" ");
    textUnder(input).textContent = message;
    input.setAttribute("aria-invalid", String(Boolean(message)));
  }
  const first = fields(form).find((input) => input.getAttribute("aria-invalid") === "true");
  first?.focus();
  return Boolean(first);
}

/** Empty every form of the page: what was typed has served. */
export function clear() {
  for (const form of document.forms) {
    form.reset();
    complain(form, []);
    for (const button of form.querySelectorAll(".reveal")) reveal(button, false);
  }
}

/** Show a password as it is typed, or hide it again. */
export function reveal(button, isShown = button.getAttribute("aria-pressed") !== "true") {
  document.getElementById(button.getAttribute("aria-controls")).type = isShown ? "text" : "password";
  button.setAttribute("aria-pressed", String(isShown));
  button.textContent = isShown ? "Hide" : "Show";
}

/** Run an act once at a time; the form shows that it is busy. */
export async function busily(form, act) {
  if (form.getAttribute("aria-busy") === "true") return;
  form.setAttribute("aria-busy", "true");
  try {
    await act();
  } finally {
    form.removeAttribute("aria-busy");
  }
}
