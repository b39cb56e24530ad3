"""FID, MiFID, KID, precision, recall and others: pure functions of two sets of features, in float64.

A network turned each picture into a row of D numbers; the rows of a set are a cloud of points. FID compares the clouds'
means and covariances. The memorization distance says how near the generated rows lie to single real ones. MiFID is FID
divided by that distance where it is suspiciously small. KID compares the clouds by a kernel and suits small sets.
Precision and density tell how many generated rows are near real ones, recall and coverage how many real ones have
generated rows near them.

    fid(generated, real), memorization_distance(...), mifid(...), kid(...), neighbourhoods(...).figures()
    score(...) for all of them
    nearest(...) for each row's nearest real one, bootstrap(...) for intervals

A real set that is scored against more than once is prepared once, as `Reference(real)`, which each of these takes in
place of the rows. `StreamedScores` takes the generated rows batch by batch, so that no memory bounds their number.
"""

from pixelart_tf.scores.bootstrap import bootstrap
from pixelart_tf.scores.distances import COPY_DISTANCE, DIRECTIONS, fid, memorization_distance, mifid, nearest
from pixelart_tf.scores.kernel import kid
from pixelart_tf.scores.neighbours import DENSITY_K, PRECISION_K, Neighbourhoods, neighbourhoods
from pixelart_tf.scores.sets import Moments, Reference, ScoreError
from pixelart_tf.scores.streamed import KEPT_ROWS, Scores, StreamedScores, score

__all__ = [
    "COPY_DISTANCE",
    "DENSITY_K",
    "DIRECTIONS",
    "KEPT_ROWS",
    "PRECISION_K",
    "Moments",
    "Neighbourhoods",
    "Reference",
    "ScoreError",
    "Scores",
    "StreamedScores",
    "bootstrap",
    "fid",
    "kid",
    "memorization_distance",
    "mifid",
    "nearest",
    "neighbourhoods",
    "score",
]
