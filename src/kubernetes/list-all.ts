import { isCode } from '../base/index.ts';
import type { KubernetesClient } from './client.ts';
import type { Resource } from './object.ts';
import type { ListOptions, ObjectList } from './request-options.ts';

/** Objects a page. */
const PAGE = 500;

/**
 * A whole collection as of one moment, page by page. When the server has forgotten that moment between two pages (410), all is
 * asked for at once, as client-go's pager does.
 */
export async function listAll<T>(client: KubernetesClient, what: Resource, options: Omit<ListOptions, 'limit' | 'continue'>): Promise<ObjectList<T>> {
  let page = await client.list<T>(what, { ...options, limit: PAGE });
  const items = page.items;
  while (page.continue !== undefined) {
    try {
      page = await client.list<T>(what, { ...options, limit: PAGE, continue: page.continue });
    } catch (error) {
      if (isCode(error, 'conflict')) return client.list<T>(what, options);
      throw error;
    }
    for (const item of page.items) items.push(item);
  }
  return { items, resourceVersion: page.resourceVersion };
}
