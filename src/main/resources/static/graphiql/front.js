// The commands name the address under which this page was opened.
for (const endpoint of document.querySelectorAll(".endpoint")) {
  endpoint.textContent = new URL("graphql", document.baseURI);
}
