"""A few paragraphs of plain English: what the tiny model's tokenizer is trained on.

ASCII only, so that every token of a byte-level tokenizer is whole characters.
"""

from typing import Final

__all__ = ["PARAGRAPHS"]

PARAGRAPHS: Final = (
    "When you read a book, your eyes do not move along the line at one even speed. They jump "
    "from word to word, rest for about a quarter of a second, and jump again; now and then they "
    "go back to something that did not quite make sense. Most adults take in between three and "
    "five words every second when the text is easy, and fewer when it is difficult, technical "
    "or written in a language they learned late. Nobody notices any of this until something "
    "gets in the way: a page that will not turn, a light that fails, a neighbour who talks.",
    "A machine that writes for a person should know this. If the words come faster than they "
    "can be read, the extra speed is of no use to anybody, because the reader is still busy with "
    "the sentence before. If they come more slowly, every gap is felt, and a pause in the middle "
    "of a thought is worse than a slightly later start. What matters is not how quickly the last "
    "word was ready, but whether each word was there at the moment when the eye arrived at it.",
    "Think of a small restaurant with one cook and twenty tables. The cook could finish all the "
    "courses of the first table before looking at the second, and the guests at the twentieth "
    "would leave hungry and angry. Or the cook could send out every first course in turn, watch "
    "how far people have eaten, and start the next plate a little before it is wanted. The same "
    "kitchen, the same number of dishes in an hour, and yet everyone believes that the service "
    "was quick. The difference lies only in the order of the work.",
    "To do so, the cook needs to see the tables. How long has this guest been waiting? Is there "
    "still food on that plate? Will the large party by the window need the oven for the rest of "
    "the evening, or only for ten minutes? Some of the answers are known, some can be guessed "
    "from what has happened before, and some remain a surprise. A good plan is made again and "
    "again, in small steps, and it is never so clever that a dropped spoon brings it down.",
    "There is a price for changing your mind. A dish taken off the fire must be heated again, "
    "and the shelf where it was kept is full. So the cook asks two questions each time: what "
    "would this guest lose by waiting a few minutes more, and what would that one gain by being "
    "served now? When both are about equal it is better to leave things as they are. When one "
    "has plenty left and the other has nothing at all, the choice is simple.",
    "Water behaves in a similar manner. A river rises in the spring with the melting snow and "
    "almost disappears by the end of summer, but the town below the dam has water every day of "
    "the year. The lake behind the wall takes up what comes too early and gives it back when it "
    "is needed. Nothing has been added to the river; it has only been moved in time. People who "
    "turn on the tap at night, in August, have no idea how irregular the source is.",
    "On the first morning of the new year the old teacher walked along the beach with her dog, "
    "as she had done for thirty years, and counted the ships. There were seven: four fishing "
    "boats close to the shore, two tankers at anchor, and far out, hardly more than a grey mark "
    "under the clouds, something with sails. She wrote the number in a notebook together with "
    "the date, the wind and the temperature. Later somebody asked what the list was for. She "
    "laughed and said that she would be able to tell them once it was finished.",
    "Please follow these instructions carefully. First, check that the power is off and the "
    "cable is not connected. Second, remove the four screws on the back and lift the cover; it "
    "may help to use a flat tool. Third, replace the battery, making sure that the red wire goes "
    "to the side marked with a plus. Finally, close the case, connect the cable, and wait until "
    "the green light stays on. If it does not, repeat steps 2 to 4, or call 0 800 1234 567 "
    "between 9:00 and 17:30 (Monday to Friday).",
    'def mean(values):\n    """The average of a list of numbers."""\n    total = 0\n'
    "    for value in values:\n        total = total + value\n    return total / len(values)\n\n"
    "print(mean([1, 2, 3, 4]))  # 2.5",
)
