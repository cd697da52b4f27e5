// Asks PocketBase about many list queries at once: is each accepted or answered 400?
import type { PocketBase } from "../support/pocketbase.ts";

/** One list request. */
export interface Question {
  readonly collection: string;
  readonly parameter: "filter" | "sort";
  readonly text: string;
  readonly isSuperuser: boolean;
}

const IN_FLIGHT = 24;

/** PocketBase's answer: its status, and for 200 the ids of the records in order. */
export interface Answered {
  readonly status: number;
  readonly ids: string;
}

/** PocketBase's answer to each question, in order. */
export const answersOf = async (pb: PocketBase, questions: readonly Question[]): Promise<Answered[]> => {
  const answers: Answered[] = [];
  const indexes = questions.keys();
  const worker = async (): Promise<void> => {
    for (const index of indexes) {
      const question = questions[index];
      if (question !== undefined) answers[index] = await answerOf(pb, question, index);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  return answers;
};

const answerOf = async (pb: PocketBase, question: Question, index: number): Promise<Answered> => {
  const order = question.parameter === "filter" ? "&sort=id" : "";
  const query = `${question.parameter}=${encodeURIComponent(question.text)}${order}&skipTotal=1&fields=id`;
  // PocketBase slows repeated empty filtered lists of one address.
  const headers: Record<string, string> = {
    "X-Forwarded-For": `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`,
  };
  if (question.isSuperuser) headers["Authorization"] = pb.world.tokens.superuser;
  const url = `${pb.url}/api/collections/${question.collection}/records?${query}`;
  const response = await fetch(url, { headers });
  const body = (await response.json()) as { items?: readonly { id: string }[] };
  return { status: response.status, ids: (body.items ?? []).map(({ id }) => id).join() };
};
