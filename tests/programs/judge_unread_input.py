print("answer without a look")
