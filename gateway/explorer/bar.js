/** The bar above GraphiQL: the token that requests send, its expiry, and the sign-out button. */

/** Show the session's state, updated every second. */
export function showSession(session) {
  const bar = document.getElementById("bar");
  const who = document.getElementById("who");
  const detail = document.getElementById("detail");
  const signOut = document.getElementById("sign-out");
  const idle = detail.textContent;

  function tick() {
    if (session.typed) detail.textContent = `Authorization: ${shortened(session.typed)} from the Headers tab is sent.`;
    else detail.textContent = session.current ? sentence(session.current) : idle;
  }

  function change() {
    const user = session.current;
    bar.classList.toggle("signed-in", Boolean(user) && !session.typed);
    const name = user ? `Signed in${user.username ? ` as ${user.username}` : ""}` : "Not signed in";
    who.textContent = session.typed ? "Your own Authorization header" : name;
    signOut.hidden = !user;
    tick();
  }

  signOut.addEventListener("click", () => session.signOut().catch(() => {}));
  session.addEventListener("change", change);
  setInterval(tick, 1000);
  change();
}

function sentence({ token, expiresAt, isRenewable }) {
  const seconds = Math.max(0, Math.ceil((expiresAt - Date.now()) / 1000));
  const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  const after = isRenewable ? "then renewed" : "select refreshToken in the answer to have it renewed";
  return `Authorization: Bearer ${shortened(token)} is sent. It expires in ${clock}, ${after}.`;
}

const shortened = (text) => (text.length > 24 ? `${text.slice(0, 13)}…${text.slice(-4)}` : text);
