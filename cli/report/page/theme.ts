/** Light or dark: as the system has it, or as it was chosen. @module */
/// <reference lib="dom" />
import { button } from "./dom.ts";

const THEMES = ["auto", "light", "dark"] as const;

const KEY = "thinned-theme";

/** A button that goes through the themes, and remembers the last where the browser lets it. */
export function themeButton(): HTMLElement {
  let theme = THEMES.find((name) => name === remembered()) ?? "auto";
  const set = () => {
    // The style sheet has each colour twice, and takes the one of this scheme.
    document.documentElement.style.colorScheme = theme === "auto" ? "" : theme;
    made.textContent = `Theme: ${theme}`;
  };
  const made = button("", () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // A file's page may have no storage; the theme then lasts as long as the page.
    }
    set();
  }, { id: "theme" });
  set();
  return made;
}

function remembered(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
