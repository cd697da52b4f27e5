// Places in what a group was told, as clients get and give them. Keeps nothing.

/** A forged one is harmless: it leads to what the same caller's group was told, or to nothing. */
export interface Offset {
  /** Changes whenever something may have been missed. */
  readonly epoch: string;
  readonly number: number;
}

const FORM = /^([0-9a-f]{8})-(\d{1,15})$/;

/** A new epoch: 32 random bits. */
export const makeEpoch = (): string => crypto.randomUUID().slice(0, 8);

export const renderOffset = ({ epoch, number }: Offset): string => `${epoch}-${number}`;

/** Undefined when it is none of ours. */
export const parseOffset = (text: string): Offset | undefined => {
  const [, epoch, number] = FORM.exec(text) ?? [];
  return epoch === undefined ? undefined : { epoch, number: Number(number) };
};
