/** The steps of a page, of which one is shown. */

const status = document.getElementById("status");
const all = [...document.querySelectorAll("[data-step]")];

/** Show a step, with an address that was typed in before; its heading is focused, lest readers stay behind. */
export function show(name, says = "", isFirst = false) {
  const typed = all.find((step) => !step.hidden)?.querySelector("[name=email]")?.value;
  for (const step of all) {
    step.hidden = step.dataset.step !== name;
    const email = step.querySelector("[name=email]");
    if (email && typed) email.value = typed;
  }
  tell(says);
  if (!isFirst) document.querySelector(`[data-step=${name}] h1`).focus();
}

/** Say something above the step, aloud too; nothing clears it. */
export function tell(text, isAmiss = false) {
  status.textContent = text;
  status.classList.toggle("amiss", isAmiss);
  if (text && isAmiss) status.scrollIntoView({ block: "nearest" });
}

/** Put what a payload tells into the places that show it. */
export function fill(facts) {
  for (const place of document.querySelectorAll("[data-shows]")) {
    // As text: a name may look like HTML.
    place.textContent = facts[place.dataset.shows] ?? "";
  }
}
