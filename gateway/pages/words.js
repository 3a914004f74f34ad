/** What people are told, in plain words: codes are for programs. */

/** A refusal that is not the fault of a field or of a link, and what to do next. */
export function inWords({ code, retryAfter, requestId }) {
  switch (code) {
    case "OUT_OF_REACH":
      return "There was no answer. See whether you are online, then try again.";
    case "RATE_LIMITED":
      return `That was tried too often. Please wait ${span(retryAfter)}, then try again.`;
    case "SERVICE_UNAVAILABLE":
      return `We are very busy at the moment. Please try again in ${span(retryAfter)}.`;
    case "CONFLICT":
      return "Something changed at the same moment, or another account has this address by now. Please try once more.";
    default:
      return `Something went wrong on our side. Please try again later.${requestId ? ` If you ask for help, say ${requestId}.` : ""}`;
  }
}

/** What stands under the field of a code that will not do. */
export const OF_CODE = {
  TOKEN_INVALID: "This code does not fit the address, or was used before. Look at it again, or get a new mail.",
  TOKEN_EXPIRED: "This code is too old. Get a new mail.",
};

/** What stands under a field that was left empty, or holds no address. */
export const MISSING = "Please fill this in.";
export const NO_ADDRESS = "This does not look like an email address.";

/** The parts of a payload that a page may show. */
export function facts({ user, endedSessions }) {
  return { username: user?.username, email: user?.email, endedSessions: sessions(endedSessions) };
}

function sessions(count) {
  if (!count) return "";
  return count === 1 ? "One device was signed out." : `${count} devices were signed out.`;
}

function span(seconds = 30) {
  if (seconds < 100) return seconds === 1 ? "a second" : `${seconds} seconds`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 100 ? `${minutes} minutes` : `${Math.ceil(minutes / 60)} hours`;
}
