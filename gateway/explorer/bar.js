/** The slim bar above GraphiQL: who is signed in, for how long, and the way out. */

/** Keep the bar true to the session, second by second. */
export function showSession(session) {
  const bar = document.getElementById("bar");
  const who = document.getElementById("who");
  const detail = document.getElementById("detail");
  const signOut = document.getElementById("sign-out");
  const idle = detail.textContent;

  function tick() {
    detail.textContent = session.current ? sentence(session.current) : idle;
  }

  function change() {
    const user = session.current;
    bar.classList.toggle("signed-in", Boolean(user));
    who.textContent = user ? `Signed in${user.username ? ` as ${user.username}` : ""}` : "Not signed in";
    signOut.hidden = !user;
    tick();
  }

  signOut.addEventListener("click", () => session.signOut().catch(() => {}));
  session.addEventListener("change", change);
  setInterval(tick, 1000);
}

function sentence({ token, expiresAt, isRenewable }) {
  const seconds = Math.max(0, Math.ceil((expiresAt - Date.now()) / 1000));
  const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  const after = isRenewable ? "then it is renewed" : "select refreshToken to have it renewed";
  return `Authorization: Bearer ${token.slice(0, 6)}…${token.slice(-4)} is sent · expires in ${clock}, ${after}`;
}
