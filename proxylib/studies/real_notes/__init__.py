"""Clinical notes of a real pretrained model: do losses tell what they are worth, and what is the model worth as a judge?"""
