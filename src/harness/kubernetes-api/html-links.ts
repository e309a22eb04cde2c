import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';

/** A page that says that it is larger goes on as it is, bytes. */
const LARGEST_PAGE = 4 * 1024 * 1024;

/** Attributes that hold one address (Kubernetes v1.20 apimachinery/pkg/util/proxy/transport.go atomsToAttrs). */
const ADDRESSES = new Set(['action', 'cite', 'classid', 'codebase', 'data', 'formaction', 'href', 'icon', 'longdesc', 'manifest', 'poster', 'profile', 'src', 'usemap']);
/** What comes next that matters: a comment or a start tag. */
const NEXT = /<!--|<([a-z][^\s/>]*)/gi;
/** Within a tag: one attribute, or a sign that is none, or the tag's end. */
const ATTRIBUTE = /\s*(?:>|([^\s=>"'/]+|["'/=])(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']*)))?)/dy;
/** What stands in them is no HTML. */
const OPAQUE = new Set(['script', 'style', 'textarea', 'title']);

/** A page with its addresses rewritten, so that they lead through us too. Takes time as the page is long, whatever is in it. */
export function rewriteLinks(html: string, rewrite: (address: string) => string): string {
  const pieces: string[] = [];
  let kept = 0;
  for (let at = 0; at >= 0; ) {
    NEXT.lastIndex = at;
    const found = NEXT.exec(html);
    if (found === null) break;
    const name = found[1]?.toLowerCase();
    at = NEXT.lastIndex;
    if (name === undefined) {
      at = html.indexOf('-->', at);
      continue;
    }
    for (;;) {
      ATTRIBUTE.lastIndex = at;
      const attribute = ATTRIBUTE.exec(html);
      if (attribute === null) break;
      at = ATTRIBUTE.lastIndex;
      if (attribute[1] === undefined) break;
      const place = attribute.indices?.[2] ?? attribute.indices?.[3] ?? attribute.indices?.[4];
      if (place === undefined || !ADDRESSES.has(attribute[1].toLowerCase())) continue;
      pieces.push(html.slice(kept, place[0]), rewrite(html.slice(...place)));
      kept = place[1];
    }
    if (OPAQUE.has(name)) at = endOf(name, html, at);
  }
  return `${pieces.join('')}${html.slice(kept)}`;
}

/** Where the end tag of that name begins; -1 without one. */
function endOf(name: string, html: string, from: number): number {
  const end = new RegExp(`</${name}`, 'gi');
  end.lastIndex = from;
  return end.exec(html)?.index ?? -1;
}

/** Whether an answer is a page whose links we can read. */
export function isPage(headers: Readonly<Record<string, unknown>>): boolean {
  const [type, encoding] = [headers['content-type'], headers['content-encoding']];
  return typeof type === 'string' && type.split(';')[0]?.trim().toLowerCase() === 'text/html' && (encoding === undefined || encoding === 'gzip') && Number(headers['content-length'] ?? 0) <= LARGEST_PAGE;
}

/** The page as text, each byte a character: whatever its encoding is, what is rewritten is ASCII. */
export async function readPage(body: AsyncIterable<Buffer>, gzip: boolean): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  const all = Buffer.concat(chunks);
  return (gzip ? await promisify(gunzip)(all) : all).toString('latin1');
}
