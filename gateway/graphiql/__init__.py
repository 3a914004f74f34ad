"""The GraphiQL page. The gateway serves all of its files, so it loads nothing from another origin."""
