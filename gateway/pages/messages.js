/** The messages of the landing pages. */

/** Return the message for an error that does not belong to a field or a link. */
export function messageFor({ code, retryAfter, requestId }) {
  switch (code) {
    case "OUT_OF_REACH":
      return "The server did not answer. Check your internet connection, then try again.";
    case "RATE_LIMITED":
      return `Too many attempts. Wait ${formatSeconds(retryAfter)}, then try again.`;
    case "SERVICE_UNAVAILABLE":
      return `The server is busy. Try again in ${formatSeconds(retryAfter)}.`;
    case "CONFLICT":
      return "Your account changed at the same time, or another account has this email address now. Try again.";
    default:
      return `Something went wrong on our side. Try again later.${requestId ? ` If you contact support, quote ${requestId}.` : ""}`;
  }
}

/** The messages under the code field, by error code. */
export const TOKEN_MESSAGES = {
  TOKEN_INVALID: "This code is wrong or was used before. Check the code and the email address, or get a new email.",
  TOKEN_EXPIRED: "This code has expired. Get a new email.",
};

/** The messages under an empty field and under an invalid email address. */
export const REQUIRED = "Fill in this field.";
export const INVALID_EMAIL = "Enter an email address, for example name@example.com.";

/** Return the values of a payload that a page shows. */
export function payloadValues({ user, endedSessions }) {
  return { username: user?.username, email: user?.email, endedSessions: describeSessions(endedSessions) };
}

function describeSessions(count) {
  if (!count) return "";
  return count === 1 ? "One device was signed out." : `${count} devices were signed out.`;
}

function formatSeconds(seconds = 30) {
  if (seconds < 100) return seconds === 1 ? "1 second" : `${seconds} seconds`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 100 ? `${minutes} minutes` : `${Math.ceil(minutes / 60)} hours`;
}
