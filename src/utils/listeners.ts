// Those who want to be told of something. Keeps nothing of what is told.

/** Listeners of one kind of news. */
export class Listeners<News extends readonly unknown[]> {
  readonly #all = new Set<(...news: News) => void>();

  /** Calls `listener` at each {@link tell} until the returned function is called. It must not throw. */
  add(listener: (...news: News) => void): () => void {
    this.#all.add(listener);
    return () => this.#all.delete(listener);
  }

  /** Who comes or goes meanwhile makes no difference. */
  tell(...news: News): void {
    for (const listener of [...this.#all]) listener(...news);
  }

  clear(): void {
    this.#all.clear();
  }
}
