import type { Refused, SecondFactorRequired } from "auth-gateway-client";
import { useEffect, useState } from "react";
import { providers } from "../auth.ts";
import { Link, navigate } from "../router.tsx";
import { Heading, Refusal } from "../ui.tsx";
import { SecondFactor } from "./SignIn.tsx";

/** The page to which a provider sends the browser back. */
export function ProviderReturn() {
  const [refused, setRefused] = useState<Refused | null>(null);
  const [secondFactor, setSecondFactor] = useState<SecondFactorRequired | null>(null);

  useEffect(() => {
    let isCurrent = true;
    const finished = providers.finish();
    if (!finished) navigate("/", { replace: true });
    void finished?.then((result) => {
      if (!isCurrent) return;
      if (result.status === "refused") setRefused(result);
      else if (result.status === "secondFactorRequired") setSecondFactor(result);
      else navigate(result.status === "signedIn" ? "/" : "/security", { replace: true });
    });
    return () => void (isCurrent = false);
  }, []);

  const leave = () => navigate("/", { replace: true });
  if (secondFactor) return <SecondFactor asked={secondFactor} onDone={leave} onCancel={leave} />;
  return (
    <>
      <Heading>{refused ? "Not signed in" : "One moment…"}</Heading>
      <Refusal refused={refused} />
      {refused?.code === "ACCOUNT_LINK_REQUIRED" && (
        <p>Sign in with your password, then link the provider under Security.</p>
      )}
      {refused && (
        <p className="switch">
          <Link href="/">Continue</Link>
        </p>
      )}
    </>
  );
}
