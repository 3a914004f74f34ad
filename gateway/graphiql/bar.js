/** The bar above GraphiQL: the token that requests send, its expiry, and the sign-out button. */

/** Show the state of the session and update it every second. Return a function that shows a message in its place. */
export function showSession(session) {
  const bar = document.getElementById("bar");
  const status = document.getElementById("status");
  const detail = document.getElementById("detail");
  const signOut = document.getElementById("sign-out");
  const initialDetail = detail.textContent;
  let message = "";

  function showDetail() {
    if (message) detail.textContent = message;
    else if (session.typed) detail.textContent = `Requests send Authorization: ${shorten(session.typed)} from the Headers tab.`;
    else detail.textContent = session.current ? describe(session.current) : initialDetail;
  }

  function showState() {
    message = "";
    const user = session.current;
    bar.classList.toggle("signed-in", Boolean(user) && !session.typed);
    const state = user ? `Signed in${user.username ? ` as ${user.username}` : ""}` : "Not signed in";
    status.textContent = session.typed ? "Your own Authorization header" : state;
    signOut.hidden = !user;
    showDetail();
  }

  signOut.addEventListener("click", () => session.signOut().catch(() => {}));
  session.addEventListener("change", showState);
  setInterval(showDetail, 1000);
  showState();
  return (text) => {
    message = text;
    showDetail();
  };
}

function describe({ token, expiresAt, isRenewable }) {
  const seconds = Math.max(0, Math.ceil((expiresAt - Date.now()) / 1000));
  const countdown = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  const renewal = isRenewable ? "It is renewed automatically." : "Select refreshToken to have it renewed.";
  return `Requests send Authorization: Bearer ${shorten(token)}. It expires in ${countdown}. ${renewal}`;
}

const shorten = (text) => (text.length > 24 ? `${text.slice(0, 13)}…${text.slice(-4)}` : text);
