import { expect, test } from "bun:test";
import { parseFlags } from "./flags.ts";

const values = (...argv: string[]) => Object.fromEntries(parseFlags(argv).values);
const problems = (...argv: string[]) => parseFlags(argv).problems;

test("parseFlags reads --flag value and --flag=value alike", () => {
  const expected = { "--port": "80", "--mainNode": "true", "--config": "a=b.ts", "--check-config": "true" };
  expect(values("--port", "80", "--mainNode", "true", "--config", "a=b.ts", "--check-config")).toEqual(
    expected,
  );
  expect(values("--port=80", "--mainNode=true", "--config=a=b.ts", "--check-config")).toEqual(expected);
});

test("parseFlags takes a word that begins with one dash as a value", () => {
  expect(values("--port", "-1")).toEqual({ "--port": "-1" });
});

test.each([
  [["--prot", "80"], "--prot: unknown flag; did you mean --port?"],
  [["--PORT=80"], "--PORT: unknown flag; did you mean --port?"],
  [["--nodeId", "1"], "--nodeId: unknown flag; did you mean --NodeId?"],
  [["--zzzzzzzzzzzz"], "--zzzzzzzzzzzz: unknown flag; see --help for the flags there are"],
  [["serve"], '"serve": not a flag; see --help for the flags there are'],
  [[""], '"": not a flag; see --help for the flags there are'],
  [["--port"], "--port: needs a value; write --port N"],
  [["--port="], "--port: needs a value; write --port N"],
  [["--port", "--host=x"], "--port: needs a value; write --port N"],
  [["--help=yes"], "--help: takes no value; write --help alone"],
  [["--port", "1", "--port=1"], "--port: given twice; give it once"],
  [["--help", "--help"], "--help: given twice; give it once"],
])("parseFlags refuses %p", (argv, problem) => {
  expect(problems(...argv)).toContain(problem);
});

test("parseFlags takes what follows an unknown flag for its value", () => {
  expect(problems("--prot", "4000")).toHaveLength(1);
  expect(problems("--prot", "--hots", "x")).toHaveLength(2);
  expect(problems("serve", "now")).toHaveLength(2);
});

test("parseFlags reports every problem, not only the first", () => {
  expect(problems("--bogus1234", "--host", "--port=")).toHaveLength(3);
});
