"""Files of tensors: found, checked, converted, read without trust."""
