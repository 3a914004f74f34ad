/** The texts that people read in place of error codes. */

/** The text for an error that concerns neither a field nor a link: what is wrong and what to do. */
export function inWords({ code, retryAfter, requestId }) {
  switch (code) {
    case "OUT_OF_REACH":
      return "The server did not answer. Check your internet connection, then try again.";
    case "RATE_LIMITED":
      return `Too many attempts. Wait ${span(retryAfter)}, then try again.`;
    case "SERVICE_UNAVAILABLE":
      return `The server is busy. Try again in ${span(retryAfter)}.`;
    case "CONFLICT":
      return "Something else changed at the same time, or another account has this email address now. Try again.";
    default:
      return `Something went wrong on our side. Try again later.${requestId ? ` If you contact support, quote ${requestId}.` : ""}`;
  }
}

/** The text under the code field, by error code. */
export const OF_CODE = {
  TOKEN_INVALID: "This code is wrong, or was used before. Check the code and the email address, or get a new email.",
  TOKEN_EXPIRED: "This code has expired. Get a new email.",
};

/** The texts under an empty field and under a malformed email address. */
export const MISSING = "Fill in this field.";
export const NO_ADDRESS = "Enter an email address, for example name@example.com.";

/** The parts of a payload that a page shows. */
export function facts({ user, endedSessions }) {
  return { username: user?.username, email: user?.email, endedSessions: sessions(endedSessions) };
}

function sessions(count) {
  if (!count) return "";
  return count === 1 ? "One device was signed out." : `${count} devices were signed out.`;
}

function span(seconds = 30) {
  if (seconds < 100) return seconds === 1 ? "1 second" : `${seconds} seconds`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 100 ? `${minutes} minutes` : `${Math.ceil(minutes / 60)} hours`;
}
