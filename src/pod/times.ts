/** RFC 3339 in whole seconds, UTC, as the API server writes times: `2026-01-02T03:04:05Z`. */
export function toTime(ms: number): string {
  return `${new Date(Math.floor(ms / 1000) * 1000).toISOString().slice(0, 19)}Z`;
}
