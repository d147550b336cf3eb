// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

// As it is: the folder stands in for OpenZeppelin's.
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
