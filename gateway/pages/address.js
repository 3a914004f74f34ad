/** The token of a link: taken out of the address at once, so that it stays in no history and on no screen. */

/** The token that the address holds, in its fragment or its query; null where there is none. */
export function takeToken() {
  const token = find(location.hash) || find(location.search);
  if (location.hash || location.search) history.replaceState(null, "", location.pathname);
  return token || null;
}

const find = (part) => new URLSearchParams(part.slice(1)).get("token");
