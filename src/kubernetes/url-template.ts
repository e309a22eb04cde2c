/**
 * The path and query of a request without what is different each time: a label of metrics has to have few values (client-go v1.20
 * rest/request.go finalURLTemplate). Braces are percent-encoded, as Go writes them.
 */
export function urlTemplate(path: string, query: Readonly<Record<string, unknown>> = {}): string {
  const segments = path.split('/');
  const first = segments[1] === 'api' ? 3 : 4;
  const inNamespace = segments[first] === 'namespaces' && segments.length > first + 2;
  if (inNamespace) segments[first + 1] = '%7Bnamespace%7D';
  const name = first + (inNamespace ? 3 : 1);
  if (segments.length > name) segments[name] = '%7Bname%7D';
  const keys = Object.keys(query).filter((key) => query[key] !== undefined).sort();
  return keys.length === 0 ? segments.join('/') : `${segments.join('/')}?${keys.map((key) => `${encodeURIComponent(key)}=%7Bvalue%7D`).join('&')}`;
}
