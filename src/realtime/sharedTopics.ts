// One list for all clients that subscribe alike: most lists are short, and the same for thousands.

/** Longer lists are seldom the same for two. */
const TOPICS_MAX = 4;
const LISTS_MAX = 1024;

/** Makes the function that gives equal short lists as one; forgets all of them when there are too many. */
export const createSharedTopics = (): ((topics: readonly string[]) => readonly string[]) => {
  const lists = new Map<string, readonly string[]>();
  return (topics) => {
    if (topics.length > TOPICS_MAX) return topics;
    // No topic has a line break.
    const key = topics.join("\n");
    const known = lists.get(key);
    if (known !== undefined) return known;
    if (lists.size >= LISTS_MAX) lists.clear();
    lists.set(key, topics);
    return topics;
  };
};
