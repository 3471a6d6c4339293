# honest: 300 denied calls while a timer interrupts them; how often each answer came
# needs: native
import signal

signal.signal(signal.SIGALRM, lambda *_: None)
signal.setitimer(signal.ITIMER_REAL, 0.0007, 0.0007)
answers = {}
for _ in range(300):
    answer = syscall("mount", 0, 0, 0, 0, 0)
    answers[answer] = answers.get(answer, 0) + 1
signal.setitimer(signal.ITIMER_REAL, 0)
return answers
