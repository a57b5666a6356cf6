"""What the models of this process share: a thread each, the device, its memory, and loading."""
