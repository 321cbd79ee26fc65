"""Faithful answers in words of their own, with the passage that each rests on: none of them should raise an alarm."""

from __future__ import annotations

RETELLINGS: dict[str, list[str]] = {
    "The Marlow lighthouse was finished in 1871. It is 42.5 metres high and was lit by oil until 1926, when electric lamps "
    "were installed.": [
        "Work on the lighthouse was completed in 1871.",
        "It rises more than 40 metres and used oil for light up to 1926.",
        "Electric lamps took the place of oil in 1926.",
        "The tower at Marlow is roughly 42 m tall.",
    ],
    "Brightwell Foods sold 3.2 million jars of honey in the year ended June 30, 2019, up 8% from the year before, said its "
    "finance chief, Ruth Adeyemi.": [
        "Honey sales grew by eight percent, to about 3.2 million jars.",
        "According to Adeyemi, the company's sales rose 8 per cent.",
        "Brightwell shipped over three million jars in the period that finished in June 2019.",
        "In the 12 months up to 30 June 2019 the firm sold 3,200,000 jars.",
    ],
    "Take one capsule every six hours with water. Do not take more than four capsules in 24 hours. Children under 12 should "
    "not use this medicine.": [
        "You may swallow a capsule each six hours, at most four per day.",
        "The daily maximum is 4 capsules.",
        "It isn't suitable for children younger than 12.",
        "Drink some water with it, and wait 6 hours before the next one.",
    ],
    "The bus to Ashcombe leaves at 15:40 from bay 7 and arrives at 17:05. A single ticket costs £6.50; a return costs £11.": [
        "You can catch it at 3:40 pm at bay seven.",
        "It gets to Ashcombe shortly after 5 pm.",
        "A one-way fare is £6.50 and a round trip is £11.",
    ],
    "Ines Duarte, who was born in Porto on 9 March 1902, painted more than 300 canvases and taught at the academy from 1931 "
    "to 1958.": [
        "Duarte was a painter born on March 9, 1902.",
        "The artist worked as a teacher at the academy between 1931 and '58.",
        "She produced upwards of 300 paintings.",
        "Her date of birth is 9/3/1902.",
    ],
    "Version 4.2 of the tool, released in May 2023, drops support for Windows 7 and needs at least 8 GB of memory.": [
        "Windows 7 is no longer supported as of version 4.2.",
        "You require a minimum of eight gigabytes of memory.",
        "The May 2023 release stopped supporting Windows 7.",
    ],
    "The vote on the harbour bill was 61 to 38. Senator Hale opposed it because of its cost of $1.25 billion.": [
        "The bill passed with 61 votes in favour and 38 against.",
        "Hale voted no since it would cost roughly $1.3 billion.",
        "Its price is estimated at 1,250 million dollars.",
    ],
    "Snow leopards live at heights between 3,000 and 4,500 metres in the mountains of Central Asia, and eat mainly blue sheep.": [
        "They inhabit Central Asian mountains, usually above 3000 m.",
        "Their main prey is the blue sheep.",
        "The animals are found as high as 4.5 thousand metres.",
    ],
    "To reset the router, hold the button on the back for ten seconds until the light turns orange, then wait two minutes.": [
        "Press and hold the rear button for 10 seconds.",
        "When the light becomes orange, let go and be patient for 2 minutes.",
        "Resetting takes a couple of minutes altogether.",
    ],
    "Refunds are paid within 14 days of the day on which the goods arrive back at our warehouse in Leeds. Sale items cannot be "
    "returned.": [
        "You'll get your money back in two weeks, after the item reaches Leeds.",
        "We do not accept returns of anything bought on sale.",
        "Expect the refund no later than 14 days after we receive the goods.",
    ],
    "The study followed 1,213 patients for five years. Those who walked daily had 27% fewer heart attacks.": [
        "About 1,200 people took part, over half a decade.",
        "Daily walking was linked with a 27 percent reduction in heart attacks.",
        "Researchers observed the participants for 5 years.",
    ],
    "The river Tavel floods each spring when the snow of the Orsa mountains melts; the flood of 1954 destroyed nine bridges.": [
        "In 1954 high water wrecked 9 bridges.",
        "Melting snow causes yearly flooding of the Tavel.",
        "It overflows every spring because snow in the Orsa range thaws.",
    ],
}  # fmt: skip
"""Passages, each with retellings of what it says."""
