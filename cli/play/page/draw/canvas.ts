/// <reference lib="dom" />
/** A canvas as sharp as the screen, and the page's colours. @module */

/** Red, green and blue, from 0 to 255. */
export type Colour = readonly [number, number, number];

const names = ["ground", "card", "ink", "soft", "line", "on", "off", "a", "b", "middle", "doubt"] as const;

/** Colours of the page's theme, by the names that they have in its style sheet. */
export type Theme = Readonly<Record<typeof names[number], Colour>>;

/** Reads the colours that hold now. */
export function readTheme(): Theme {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): Colour => {
    const value = parseInt(style.getPropertyValue(`--${name}`).trim().slice(1), 16);
    return [value >> 16, (value >> 8) & 255, value & 255];
  };
  return Object.fromEntries(names.map((name) => [name, colour(name)])) as unknown as Theme;
}

/** A colour between two. */
export function mix(a: Colour, b: Colour, share: number): Colour {
  return [0, 1, 2].map((i) => a[i] + (b[i] - a[i]) * share) as unknown as Colour;
}

/** A colour as CSS writes it. */
export function css([red, green, blue]: Colour, alpha = 1): string {
  return `rgba(${red | 0},${green | 0},${blue | 0},${alpha})`;
}

/** A canvas that is being drawn on: its context in CSS pixels, and its size. */
export interface Sheet {
  readonly context: CanvasRenderingContext2D;
  readonly width: number;
  readonly height: number;
}

/** An empty sheet, of the size that the page gives the canvas. */
export function sheet(canvas: HTMLCanvasElement): Sheet {
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  const scale = Math.min(2, globalThis.devicePixelRatio || 1);
  const [across, down] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== across || canvas.height !== down) {
    canvas.width = across;
    canvas.height = down;
  }
  const context = canvas.getContext("2d")!;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}
