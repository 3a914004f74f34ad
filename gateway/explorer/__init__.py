"""GraphiQL in the browser, served by the gateway itself: nothing is loaded from another origin."""
