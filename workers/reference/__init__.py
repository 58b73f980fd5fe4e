"""The rule language as its declarations tell it: a JSON schema for editors, tables for the page about rules."""
