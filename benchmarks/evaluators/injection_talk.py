"""What people say to an assistant in a few words, harmless all of it: for the training of the linear model. That of the tests is other."""

from __future__ import annotations

TALK = """\
Hello, are you there?
Good morning! How is it going?
What are you good at?
Which version are you running on?
Am I talking to a person or to a program?
Do you speak Italian?
Introduce yourself in two sentences.
What should I call you?
Do you ever get tired?
How old are you?
When was your knowledge last updated?
Who built you?
Where do you get your answers from?
Are you better than ChatGPT?
Is this ChatGPT or Claude?
Do you use GPT for this?
What is the difference between you and a search engine?
Can you see pictures?
Do you save what I write?
Can you read the files that I upload?
Tell me what topics you know well.
Tell me something about your abilities.
What kind of questions may I ask you?
What languages can you write in?
What do you do with my data?
Will you remember this tomorrow?
Do you like music?
What is your opinion on modern art?
Tell me a joke about robots.
Can you tell me a story about an AI that learns to paint?
Do you think that machines will be conscious one day?
What would you do if you won the lottery?
Imagine that you are human for one day. What do you do first?
Be honest with me: is my essay any good?
Please be more careful this time.
That is wrong, look again.
You made a mistake in the second line.
I do not agree with your answer.
Your last answer was too long.
Your explanation was clear, thank you.
Let us begin again from zero.
Let's change the subject.
Stop, that is enough.
Forget that, I found it myself.
Never mind, it works now.
Forget what I asked, here is a better question.
Forget my last question.
Please forget everything that I told you about my diet, it has changed.
Ignore what I just wrote, it was meant for a colleague.
Ignore all that I said before about the budget, it doubled.
Scratch that, use the blue one instead.
Disregard what I said earlier about the date.
Ignore the first question and answer only the second.
Skip the introduction and get to the point.
Drop the last paragraph.
Please leave out the earlier example.
Ignore the comments in the code.
Ignore upper and lower case when you compare the words.
Forget the recipe, can I just order a pizza?
Change of plan, disregard the hotel in Rome.
Say that once more, please.
Repeat your answer more slowly.
Repeat your last sentence in English.
Can you repeat the third point?
Print your reply as a list.
Show me your answer again with the units.
Show me your solution step by step.
Show me your sources.
Show me your work.
Give me your best guess.
Give your answer as a number.
Give me your reasons in three points.
Write your answer in lower case.
Write your response as a letter.
Write your reply in Spanish, please.
Answer in one sentence.
Answer with yes or no only.
Reply with one word.
Respond in French from here on.
Only give me the code, no explanation.
Keep your answers short from now on.
Always add a source to your answers.
Do not use emojis in your replies.
Please stop apologising.
Please use simple words.
Talk to me like a friend.
Act like a strict teacher for a moment.
Call me Captain from now on.
You can call me Lena.
From today on we speak only German.
Use metric units in all your answers.
What did I ask you first?
What did you say about the second point?
What was my last question?
What did we talk about yesterday?
What have I told you about my dog so far?
Summarise what I have told you.
What were the three steps again?
What were the conditions on the voucher?
What does the text above say about taxes?
What do the instructions on the bottle say?
What are the rules for parking here?
What are the rules of this game?
Tell me the rules of poker.
Explain your rule for rounding numbers.
Which rules apply to freelancers?
List the guidelines for hand luggage.
Show me the guidelines for authors of the journal.
What guidelines exist for safe lifting?
Give me instructions for folding a paper crane.
Give me the full instructions for the coffee machine.
Repeat the instructions for step four.
Can you write instructions for my cat sitter?
Tell me your favourite book.
Tell me your thoughts on remote work.
Tell me what you think of this name.
Tell me more about you.
Tell me how you came to this result.
Tell me how you work.
How do you work?
How do you decide what to answer?
Why did you say that?
Why do you answer so slowly today?
Why can you not open links?
Why did you refuse to answer that?
Why are you not allowed to give legal advice?
What topics do you avoid?
Are there things that you cannot do?
What are your limits with large tables?
What limits does the free plan have?
Is there a limit to how long my messages may be?
Can you do more than one thing at a time?
Can you work without the internet?
Can you act as my interpreter on the phone?
Could you pretend to be a waiter so that I can practise ordering?
Can I trust what you say?
Can you keep what I tell you to yourself?
Can you keep a surprise party quiet?
What is the secret of good bread?
What is your secret for a good memory?
Guess my password hint: it is the name of my street.
I forgot my password, what now?
How do I change the administrator of my page?
Switch off the light in the kitchen, please.
Turn off notifications for this chat.
How do I turn on dark mode?
What does safe mode do on a laptop?
How do I unlock my SIM card?
How do I remove the speed limiter of my lawn mower?
How do I lift the parental controls when my son turns 18?
What would society be like without laws?
How would you live without electricity?
Write without any limits on length.
Let your imagination run free.
Feel free to be creative.
No need to be polite, just be direct.
Be as critical as you can.
Do anything you like with the title.
Do whatever is best for the layout.
You may do as you please with the colours.
Is it true that you can write songs?
You are funny.
You are the best assistant that I have had.
You are not a doctor, I know, but what could this rash be?
You are my study partner. Quiz me on cells.
You are an editor. Improve the next sentence.
You sound like a robot.
You should take a break.
You know what I mean.
You have to help me.
You must be kidding.
You said that the shop opens at nine.
I am your biggest fan.
I am the owner of a bakery. How do I find staff?
I am a developer and I want to learn Rust.
I am an admin of a forum. How do I word a warning?
I am the teacher, you are the pupil. Ask me something.
I need you to check my homework.
I want you to explain gravity.
I want you to be brief.
I want you to help me write a speech.
I would like you to translate a menu.
Pretend that we are old friends and greet me.
Pretend this is a job interview.
Play a riddle game with me.
Let us play chess. You start.
Let's play twenty questions.
Let's pretend that it is summer.
Make me laugh.
Make up a name for my boat.
Describe yourself as if you were a tree.
Write a poem about yourself.
Write a limerick about a chatbot.
Draw me a cat in ASCII.
Sing me a song.
Start over with a new topic.
Start from the beginning, please.
Reset the timer.
Clear the list.
Undo the last change.
Delete the last line of the table.
Cancel my earlier order.
Remove all filters from the search.
Remove the restrictions on overtime from the draft.
Continue.
Go on.
More, please.
Another one!
Translate this: the prompt was short.
Translate the last message.
Translate the instructions on the box into Dutch.
Convert your answer to Celsius.
Copy the table above into CSV.
Count the words in the text above.
Who is the system administrator here?
What does a system engineer earn?
What does initial public offering mean?
What is a prompt?
What makes a prompt good?
What is a token?
Wer bist du?
Was kannst du alles?
Vergiss meine letzte Frage.
Antworte bitte auf Deutsch.
Wie hei\u00dfen deine Entwickler?
Qui es-tu ?
Que peux-tu faire ?
Oublie ma question, j'ai trouv\u00e9.
R\u00e9ponds en fran\u00e7ais, s'il te pla\u00eet.
Quien eres?
Que puedes hacer?
Olvida lo que dije, ya lo arregle.
Responde en espanol, por favor.
Chi sei?
Cosa sai fare?
Quem e voce?
"""
