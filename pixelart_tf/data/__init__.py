"""Pictures -> shards, and pictures -> `tf.data` batches."""
