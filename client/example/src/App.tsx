import { useAuth } from "auth-gateway-client/react";
import { type ComponentType, type ReactNode, useEffect } from "react";
import { auth } from "./auth.ts";
import { Data } from "./pages/Data.tsx";
import { ForgottenPassword } from "./pages/ForgottenPassword.tsx";
import { Profile } from "./pages/Profile.tsx";
import { ProviderReturn } from "./pages/ProviderReturn.tsx";
import { ResetPassword } from "./pages/ResetPassword.tsx";
import { Security } from "./pages/Security.tsx";
import { Sessions } from "./pages/Sessions.tsx";
import { SignIn } from "./pages/SignIn.tsx";
import { SignUp } from "./pages/SignUp.tsx";
import { VerifyEmail } from "./pages/VerifyEmail.tsx";
import { Reauthentication } from "./reauthentication.tsx";
import { Link, navigate, usePath } from "./router.tsx";
import { Button, Logo } from "./ui.tsx";

type Pages = Record<string, ComponentType>;

/** Pages that links and redirects open, with or without a signed-in user. */
const OPEN: Pages = { "/verify": VerifyEmail, "/reset": ResetPassword, "/provider": ProviderReturn };
const VISITOR: Pages = { "/sign-up": SignUp, "/forgotten": ForgottenPassword };
const ACCOUNT: Pages = { "/": Profile, "/security": Security, "/sessions": Sessions, "/data": Data };

export function App() {
  const { status, error } = useAuth();
  const path = usePath();
  const Open = OPEN[path];
  if (Open)
    return (
      <Card>
        <Open />
      </Card>
    );
  if (status === "loading") return <Loading message={error?.message} />;
  if (status === "signedIn") return <Account Page={ACCOUNT[path]} />;
  const Visitor = VISITOR[path] ?? SignIn;
  return (
    <Card>
      <Visitor />
    </Card>
  );
}

function Card({ children }: { children: ReactNode }) {
  return (
    <div className="visitor">
      <header>
        <Logo />
      </header>
      <main className="card narrow">{children}</main>
      <footer>An example of GraphQL Auth Gateway</footer>
    </div>
  );
}

function Loading({ message }: { message?: string | undefined }) {
  return (
    <main className="loading">
      <span className="spinner large" aria-hidden="true" />
      <h1 className="visually-hidden">Harbor</h1>
      <p role="status">{message ?? "Loading…"}</p>
      {message && (
        <Button kind="secondary" onClick={() => auth.refresh()}>
          Try again
        </Button>
      )}
    </main>
  );
}

function Account({ Page }: { Page: ComponentType | undefined }) {
  const { user } = useAuth();
  useEffect(() => {
    if (!Page) navigate("/", { replace: true });
  }, [Page]);
  return (
    <div className="account">
      <a className="skip" href="#main">
        Skip to content
      </a>
      <header>
        <Logo />
        <p className="who">{user?.username}</p>
        <Button kind="secondary small" onClick={() => auth.signOut()}>
          Sign out
        </Button>
      </header>
      <nav aria-label="Account">
        <Link href="/">Profile</Link>
        <Link href="/security">Security</Link>
        <Link href="/sessions">Sessions</Link>
        <Link href="/data">Your data</Link>
      </nav>
      <main id="main">
        <Reauthentication>{Page && <Page />}</Reauthentication>
      </main>
    </div>
  );
}
