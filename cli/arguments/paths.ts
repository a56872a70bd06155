/** Paths as text. @module */

/** Whether a path begins at the root of a file system or of a drive. */
export function isAbsolute(path: string): boolean {
  return /^([/\\]|[A-Za-z]:[/\\])/.test(path);
}

/** A path as seen from a folder, without `.` and `..` in it; one that is absolute already stays as it is. */
export function resolvePath(folder: string, path: string): string {
  if (isAbsolute(path)) return path;
  const parts: string[] = [];
  for (const part of `${folder}/${path}`.split(/[/\\]/)) {
    if (part === "..") parts.pop();
    else if (part !== "." && part !== "") parts.push(part);
  }
  return (/^[/\\]/.test(folder) ? "/" : "") + parts.join("/");
}

/** The folder that a file lies in. */
export function folderOf(path: string): string {
  return path.replace(/[/\\][^/\\]*$/, "") || "/";
}

/** The address under which an absolute path is imported. */
export function fileUrl(path: string): string {
  const absolute = path.replaceAll("\\", "/");
  const encoded = encodeURI(absolute).replaceAll("#", "%23").replaceAll("?", "%3F");
  return `file://${absolute.startsWith("/") ? "" : "/"}${encoded}`;
}
