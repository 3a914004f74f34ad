/** The steps of a page. One step is visible at a time. */

const status = document.getElementById("status");
const steps = [...document.querySelectorAll("[data-step]")];

/** Show a step and copy an email address that was already typed. Move the focus to the heading, for screen readers. */
export function showStep(name, message = "", isFirst = false) {
  const typed = steps.find((step) => !step.hidden)?.querySelector("[name=email]")?.value;
  for (const step of steps) {
    step.hidden = step.dataset.step !== name;
    const email = step.querySelector("[name=email]");
    if (email && typed) email.value = typed;
  }
  showStatus(message);
  if (!isFirst) document.querySelector(`[data-step=${name}] h1`).focus();
}

/** Show a message above the step. Screen readers read it aloud. */
export function showStatus(text, isWarning = false) {
  status.textContent = text;
  status.classList.toggle("warning", isWarning);
  if (text && isWarning) status.scrollIntoView({ block: "nearest" });
}

/** Show the values of a payload in the elements that name them. */
export function showValues(values) {
  for (const element of document.querySelectorAll("[data-value]")) {
    // As text, because a username may look like HTML.
    element.textContent = values[element.dataset.value] ?? "";
  }
}
