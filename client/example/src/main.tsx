import { StrictMode, useMemo } from "react";
import { createRoot } from "react-dom/client";
import { AuthProvider, useUser } from "auth-gateway-client/react";
import { urqlClient } from "auth-gateway-client/urql";
import { Provider } from "urql";
import { App } from "./App.tsx";
import { auth } from "./auth.ts";
import "./style.css";

function Data() {
  const id = useUser()?.id;
  // A new client for each user: the cache of the old one contains the data of the user before.
  const client = useMemo(() => urqlClient(auth), [id]);
  return (
    <Provider value={client}>
      <App />
    </Provider>
  );
}

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <AuthProvider auth={auth}>
      <Data />
    </AuthProvider>
  </StrictMode>,
);
