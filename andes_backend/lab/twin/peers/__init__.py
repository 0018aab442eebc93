"""Other schedulers as policies of the twin, reconstructed from what their papers describe.

Each module says what is the paper's, what is ours, and what is left out. None of them is its
authors' code, and a figure of the twin's is no figure of theirs.
"""

from andes_backend.lab.twin.peers.mlfq import FeedbackQueues
from andes_backend.lab.twin.peers.predicted_shortest import PredictedShortest
from andes_backend.lab.twin.peers.tokenflow import TokenFlow

__all__ = ["FeedbackQueues", "PredictedShortest", "TokenFlow"]
