import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  // The client is a linked folder with packages of its own.
  resolve: { dedupe: ["react", "react-dom", "@urql/core", "@urql/exchange-auth"] },
  server: { port: 5173, strictPort: true },
});
