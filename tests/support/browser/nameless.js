// What has no name, no place or no order for a screen reader.
() => {
  const named = (element) =>
    element.getAttribute("aria-label") ||
    element.getAttribute("aria-labelledby") ||
    element.getAttribute("alt") ||
    element.labels?.length ||
    element.textContent.trim();
  const parts = [...document.querySelectorAll("a, button, input, select, img, [role=img], [role=region], [role=group], section, nav, [tabindex='0']")];
  const faults = parts.filter((part) => !named(part)).map((part) => part.outerHTML.slice(0, 120));
  const drawings = [...document.querySelectorAll("svg, canvas")].filter((part) => !part.closest("[aria-hidden=true], [role=img], [role=group]"));
  faults.push(...drawings.map((part) => `unnamed drawing: ${part.outerHTML.slice(0, 80)}`));
  const ids = [...document.querySelectorAll("[id]")].map((part) => part.id);
  faults.push(...ids.filter((id, at) => ids.indexOf(id) !== at).map((id) => `twice: ${id}`));
  for (const part of document.querySelectorAll("[aria-labelledby], [aria-describedby]")) {
    for (const id of `${part.getAttribute("aria-labelledby") ?? ""} ${part.getAttribute("aria-describedby") ?? ""}`.trim().split(/\s+/)) {
      if (!document.getElementById(id)) faults.push(`names nothing: ${id}`);
    }
  }
  const levels = [...document.querySelectorAll("h1, h2, h3, h4")].map((heading) => Number(heading.tagName[1]));
  if (levels.filter((level) => level === 1).length !== 1) faults.push("not one main heading");
  if (levels.some((level, at) => at && level > levels[at - 1] + 1)) faults.push("a heading level is left out");
  for (const table of document.querySelectorAll("table")) {
    if (![...table.querySelectorAll("th")].every((head) => head.scope && head.textContent.trim())) faults.push("a table head without scope or words");
  }
  if (!document.documentElement.lang || !document.title) faults.push("no language or title");
  if (!document.querySelector("main") || !document.querySelector("[role=status]")) faults.push("no landmarks");
  return faults;
}
