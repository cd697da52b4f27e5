// The words of the demo: post titles, sentences and comments. Mixed together in `records.ts`.

/** What people write about. `tag` is a value of the posts' `tags` field. */
export type Topic = {
  readonly tag: string;
  readonly titles: readonly string[];
  readonly sentences: readonly string[];
};

/** Eight topics with seven titles each. */
export const TOPICS: readonly Topic[] = [
  {
    tag: "garden",
    titles: [
      "The beans came up on the wrong side",
      "What the slugs left us",
      "A bed made of old doors",
      "Notes from the first warm week",
      "Swapping seeds with the neighbours",
      "Compost, eleven months on",
      "Why the plum tree sulks",
    ],
    sentences: [
      "The soil was still cold a finger deep, so I waited another week.",
      "Everything we sowed in a straight line came up in a curve.",
      "Half of the seedlings went to the neighbours, who had the same idea.",
      "Water in the evening, they say, and the snails agree.",
      "The rhubarb needs no advice from anybody.",
    ],
  },
  {
    tag: "kitchen",
    titles: [
      "Rye bread without a plan",
      "One pot, four people, no recipe",
      "The jam that would not set",
      "Learning to leave onions alone",
      "A soup for the end of the month",
      "Three ovens, one loaf",
      "Salt first or salt last",
    ],
    sentences: [
      "The dough is ready when it stops arguing.",
      "I wrote down the amounts afterwards, so do not trust them.",
      "Slow heat did what three kinds of spice could not.",
      "The second one was better, as it always is.",
      "We ate it standing up, which says enough.",
    ],
  },
  {
    tag: "bicycle",
    titles: [
      "Forty kilometres against the wind",
      "A bell that people hear",
      "The case for mudguards",
      "Changing a tube in the rain",
      "My commute in numbers",
      "Old steel, new bearings",
      "The hill behind the station",
    ],
    sentences: [
      "The forecast promised a tail wind and did not say for whom.",
      "A clean chain is worth two gears.",
      "I counted nine other riders and one swan.",
      "The brakes are quiet now, which took only three attempts.",
      "On the way back the same road was shorter.",
    ],
  },
  {
    tag: "code",
    titles: [
      "The bug that only came on Mondays",
      "Deleting a thousand lines",
      "Names are most of the work",
      "A test that failed for the right reason",
      "Reading my own code from last year",
      "The queue that was always full",
      "Small tools, kept sharp",
    ],
    sentences: [
      "The log said nothing, at great length.",
      "It worked the first time, so I looked for the mistake for an hour.",
      "We gave every wait a deadline and the mystery went away.",
      "The fix was one line; finding it took the afternoon.",
      "I removed the option nobody could explain.",
    ],
  },
  {
    tag: "books",
    titles: [
      "A shelf for unread things",
      "Rereading the long one",
      "Margins, and what people leave there",
      "The library on a wet Saturday",
      "Poems for people who skip poems",
      "Lent and never returned",
      "A mystery solved by chapter two",
    ],
    sentences: [
      "The last page answers a question that I had forgotten.",
      "Somebody before me underlined every sentence about food.",
      "I finished it on the platform and missed the train.",
      "The translation is patient with the reader.",
      "It is the kind of book that closes by itself.",
    ],
  },
  {
    tag: "music",
    titles: [
      "Thursday choir, week nine",
      "The viola is not a large violin",
      "A radio from before the war",
      "Learning a piece backwards",
      "Quiet hours, seen from both sides",
      "Four chords and the truth about them",
      "The hall with the good echo",
    ],
    sentences: [
      "The altos were right, and knew it.",
      "We started again from the bar where everybody breathes.",
      "Slow practice sounds like nothing and works like magic.",
      "A valve glowed, then the whole orchestra was in the kitchen.",
      "Nobody clapped between the movements, from shyness.",
    ],
  },
  {
    tag: "travel",
    titles: [
      "The night train, upper bunk",
      "Two days with a paper map",
      "A harbour in the off season",
      "What I did not pack",
      "Changing trains without a language",
      "The bakeries along the canal",
      "Home by the slow boat",
    ],
    sentences: [
      "The timetable was a suggestion, and a good one.",
      "We asked for the way and were given lunch.",
      "The best view was from the laundry.",
      "By the third stop everybody shared their bread.",
      "I sent the postcard to myself, to see which of us was faster.",
    ],
  },
  {
    tag: "weather",
    titles: [
      "Eleven millimetres and a rainbow",
      "The fog stayed for breakfast",
      "A gauge made of a jam jar",
      "First frost, a week early",
      "The longest dry spell yet",
      "Clouds worth drawing",
      "A storm heard from under the roof",
    ],
    sentences: [
      "The barometer had been hinting at it since Tuesday.",
      "By noon the sun had changed its mind twice.",
      "I emptied the gauge and it filled again at once.",
      "The swallows flew low, so I took the washing in.",
      "Nobody remembers a colder one, but nobody wrote it down either.",
    ],
  },
];

/** Short comments that fit under anything. */
export const COMMENTS: readonly string[] = [
  "This made my morning.",
  "Same here, but with less success.",
  "I would have given up at the second try.",
  "Do you have a picture of it?",
  "My grandmother swore by this.",
  "Tried it yesterday, it works.",
  "I disagree, but nicely.",
  "Please write the second part.",
  "That last sentence!",
  "Where did you find that?",
  "We should do this together some time.",
  "I read this aloud to the whole table.",
  "Not in my street, sadly.",
  "Thank you for writing it down.",
  "It took me three years to learn that.",
  "The trick is to wait one more day.",
  "I have the same one, in green.",
  "Now I want to go there.",
  "How long did it take in the end?",
  "You forgot the most important part: tea.",
];

/** What people note on their private bookmarks. */
export const NOTES: readonly string[] = [
  "Read again on Sunday.",
  "Ask about this.",
  "For the list.",
  "Try it.",
  "",
];
