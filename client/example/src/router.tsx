/** Paths of this page, without a library. */

import { type ComponentProps, type MouseEvent, useSyncExternalStore } from "react";

function subscribe(listener: () => void) {
  window.addEventListener("popstate", listener);
  return () => window.removeEventListener("popstate", listener);
}

export const usePath = () => useSyncExternalStore(subscribe, () => location.pathname);

export function navigate(path: string, { replace = false } = {}) {
  history[replace ? "replaceState" : "pushState"](null, "", path);
  window.dispatchEvent(new PopStateEvent("popstate"));
}

export function Link({ href, ...rest }: ComponentProps<"a"> & { href: string }) {
  const isCurrent = usePath() === href;
  function follow(event: MouseEvent) {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    navigate(href);
  }
  return <a href={href} onClick={follow} aria-current={isCurrent ? "page" : undefined} {...rest} />;
}
