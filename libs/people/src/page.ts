/** The largest page of a list; more is clamped. */
export const PAGE_LIMIT_MAX = 200;
export const PAGE_LIMIT_DEFAULT = 50;

export interface PageRequest {
  /** The last id of the page before, or null for the first page. */
  after: string | null;
  limit: number;
}

export interface Page<T> {
  items: T[];
  /** What to give as `after` for the next page; null on the last one. */
  next: string | null;
}

/** Reads one page, and one item more to know whether there is another. */
export async function pageOf<T>(
  request: PageRequest,
  read: (page: PageRequest) => Promise<T[]>,
  idOf: (item: T) => string,
): Promise<Page<T>> {
  const limit = Math.min(request.limit, PAGE_LIMIT_MAX);
  const found = await read({ after: request.after, limit: limit + 1 });
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return { items, next: found.length > limit && last !== undefined ? idOf(last) : null };
}
