// Reads the `Signature-Input` and `Signature` fields of RFC 9421, in the one strict form that Hapta takes: a single
// signature, components without parameters, and every parameter at most once. Verifies nothing.

/** What a signature says of itself. */
export interface SignatureInput {
  /** Names of the covered components, in order, each once. */
  readonly components: readonly string[];
  /** Everything behind the label, as it stands in the field: the value of `@signature-params`. */
  readonly params: string;
  /** Unix seconds. */
  readonly created: number;
  /** 16 to 128 characters. */
  readonly nonce: string;
  readonly keyId: string;
  /** The signature in base64. */
  readonly signature: string;
}

const FIELD_LENGTH_MAX = 1024;
// RFC 8941: a dictionary of one member, an inner list of strings with parameters. No two readings of any text.
const INPUT =
  /^([a-z*][a-z0-9_.*-]{0,31})=(\((|"[@a-z-]{1,32}"(?: "[@a-z-]{1,32}")*)\)((?:;[a-z]{1,16}=(?:"[\x20-\x21\x23-\x5b\x5d-\x7e]{0,256}"|[0-9]{1,15})){1,8}))$/;
const PARAM = /;([a-z]+)=(?:"([^"]*)"|([0-9]+))/g;
const SIGNATURE = /^([a-z*][a-z0-9_.*-]{0,31})=:([A-Za-z0-9+/]{43}=):$/;
const NONCE = /^[\x21-\x7e]{16,128}$/;
const ALGORITHM = "hmac-sha256";
const PARAMS = new Set(["created", "nonce", "keyid", "alg"]);

/** The signature of a request; undefined when the fields have another form. */
export const readSignatureInput = (input: string, signature: string): SignatureInput | undefined => {
  if (input.length > FIELD_LENGTH_MAX || signature.length > FIELD_LENGTH_MAX) return undefined;
  const [, label, params, list, tail] = INPUT.exec(input) ?? [];
  const [, signatureLabel, text] = SIGNATURE.exec(signature) ?? [];
  if (label === undefined || params === undefined || text === undefined) return undefined;
  const components = list === undefined || list === "" ? [] : list.slice(1, -1).split('" "');
  const found = readParams(tail ?? "");
  if (label !== signatureLabel || found === undefined) return undefined;
  if (new Set(components).size !== components.length) return undefined;
  return { ...found, components, params, signature: text };
};

const readParams = (tail: string): Pick<SignatureInput, "created" | "nonce" | "keyId"> | undefined => {
  const texts = new Map<string, string>();
  let created: number | undefined;
  for (const [, name = "", text, digits] of tail.matchAll(PARAM)) {
    if (texts.has(name) || !PARAMS.has(name)) return undefined;
    texts.set(name, text ?? "");
    if ((name === "created") !== (digits !== undefined)) return undefined;
    if (digits !== undefined) created = Number(digits);
  }
  const [nonce, keyId, algorithm] = [texts.get("nonce"), texts.get("keyid"), texts.get("alg")];
  if (created === undefined || nonce === undefined || keyId === undefined) return undefined;
  if (!NONCE.test(nonce) || (algorithm !== undefined && algorithm !== ALGORITHM)) return undefined;
  return { created, nonce, keyId };
};
