/** The values of a form and its error messages. */

import { INVALID_EMAIL, REQUIRED } from "./messages.js";

const fields = (form) => [...form.querySelectorAll("input:not([hidden])")];
const errorOf = (input) => input.closest(".field").querySelector(".error");

/** Return the values of all fields by name. The names are those of the mutation's variables. */
export function readValues(form) {
  return Object.fromEntries(fields(form).map(({ name, value }) => [name, name === "newPassword" ? value : value.trim()]));
}

/** Return whether every field is filled in correctly, and show an error under every other field. */
export function isComplete(form) {
  const wrong = fields(form).filter(({ validity }) => validity.valueMissing || validity.typeMismatch);
  return !showErrors(form, wrong.map(({ name, validity }) => ({ field: name, message: validity.valueMissing ? REQUIRED : INVALID_EMAIL })));
}

/** Show each message under its field and focus the first such field. Return whether there is one. */
export function showErrors(form, errors) {
  for (const input of fields(form)) {
    const message = errors.filter(({ field }) => field === input.name).map((error) => error.message).join(" ");
    errorOf(input).textContent = message;
    input.setAttribute("aria-invalid", String(Boolean(message)));
  }
  const first = fields(form).find((input) => input.getAttribute("aria-invalid") === "true");
  first?.focus();
  return Boolean(first);
}

/** Empty every form of the page. */
export function resetForms() {
  for (const form of document.forms) {
    form.reset();
    showErrors(form, []);
    for (const button of form.querySelectorAll(".reveal")) togglePassword(button, false);
  }
}

/** Show or hide the password next to a button. */
export function togglePassword(button, isShown = button.getAttribute("aria-pressed") !== "true") {
  document.getElementById(button.getAttribute("aria-controls")).type = isShown ? "text" : "password";
  button.setAttribute("aria-pressed", String(isShown));
  button.textContent = isShown ? "Hide" : "Show";
}

/** Run a function unless the form is busy. Mark the form as busy until it returns. */
export async function whileBusy(form, act) {
  if (form.getAttribute("aria-busy") === "true") return;
  form.setAttribute("aria-busy", "true");
  try {
    await act();
  } finally {
    form.removeAttribute("aria-busy");
  }
}
