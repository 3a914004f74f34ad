/** The token of a link. It is removed from the URL at once, so that it does not stay in the history or on the screen. */

/** Return the token in the fragment or the query of the URL and remove it, or return null. */
export function takeToken() {
  const token = find(location.hash) || find(location.search);
  if (location.hash || location.search) history.replaceState(null, "", location.pathname);
  return token || null;
}

const find = (part) => new URLSearchParams(part.slice(1)).get("token");
