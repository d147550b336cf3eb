// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IInferenceSettlement} from "../src/interfaces/IInferenceSettlement.sol";
import {IModelRegistry} from "../src/interfaces/IModelRegistry.sol";
import {SettlementBase} from "./SettlementBase.t.sol";

/// @notice Cumulative vouchers commute: whatever the order and the batching, the same is paid to the same accounts.
contract InferenceSettlementOrderTest is SettlementBase {
    uint256 private constant MAX_LENGTH = 12;

    bytes32[2] private _models;
    /// @dev What each payer signed last in each lane; an honest payer signs ever more.
    mapping(address payer => mapping(bytes32 modelId => uint128)) private _fees;
    mapping(address payer => mapping(bytes32 modelId => uint64)) private _units;

    function setUp() public override {
        super.setUp();
        vm.prank(publisher);
        bytes32 other = modelRegistry.registerModel(
            keccak256("other weights"), 0, IModelRegistry.Mode.Tolerance, 2000, "ipfs://other", 0
        );
        vm.prank(operator);
        operatorRegistry.serve(other, 1, 1 gwei);
        _models = [modelId, other];
    }

    /// forge-config: default.fuzz.runs = 64
    function testFuzz_OrderAndBatchingDoNotMatter(uint256 seed, uint256 length) public {
        length = bound(length, 2, MAX_LENGTH);
        IInferenceSettlement.Voucher[] memory vouchers = _history(seed, length, 1e20);
        _deposit(payer.addr, operator, 1e24);
        _deposit(secondPayer.addr, operator, 1e24);

        uint256 fresh = vm.snapshotState();
        for (uint256 i = 0; i < length; ++i) {
            _addSigned(vouchers[i]);
        }
        _settleBatch();
        bytes32 atOnce = _stateHash();

        vm.revertToState(fresh);
        for (uint256 i = 0; i < length; ++i) {
            _addSigned(vouchers[i]);
            _settleBatch();
        }
        assertEq(_stateHash(), atOnce, "one by one");

        vm.revertToState(fresh);
        _shuffle(vouchers, seed);
        for (uint256 i = 0; i < length; ++i) {
            _addSigned(vouchers[i]);
            if ((seed >> i) & 1 == 1) _settleBatch();
        }
        if ((seed >> (length - 1)) & 1 == 0) _settleBatch();
        assertEq(_stateHash(), atOnce, "shuffled and cut anywhere");

        for (uint256 i = 0; i < length; ++i) {
            _addSigned(vouchers[i]);
        }
        _settleBatch();
        assertEq(_stateHash(), atOnce, "a replay of everything");
    }

    /// @dev A channel with too little pays out all it has in any order, and the rest once it is funded.
    /// forge-config: default.fuzz.runs = 64
    function testFuzz_AnUnderfundedChannelPaysTheSameInTheEnd(uint256 seed, uint256 length, uint128 funds) public {
        length = bound(length, 2, MAX_LENGTH);
        IInferenceSettlement.Voucher[] memory vouchers = _history(seed, length, 1e20);
        uint256 owed = _owedBy(payer.addr);
        uint256 owedBySecond = _owedBy(secondPayer.addr);
        funds = uint128(bound(funds, 1, 1e20));
        _deposit(payer.addr, operator, funds);
        _deposit(secondPayer.addr, operator, funds);

        _shuffle(vouchers, seed);
        for (uint256 i = 0; i < length; ++i) {
            _addSigned(vouchers[i]);
        }
        _settleBatch();
        assertEq(_channel().settled, owed < funds ? owed : funds);
        assertEq(settlement.channel(secondPayer.addr, operator).settled, owedBySecond < funds ? owedBySecond : funds);

        _deposit(payer.addr, operator, 1e24);
        _deposit(secondPayer.addr, operator, 1e24);
        for (uint256 i = 0; i < length; ++i) {
            _addSigned(vouchers[i]);
        }
        _settleBatch();
        assertEq(_channel().settled, owed);
        assertEq(settlement.channel(secondPayer.addr, operator).settled, owedBySecond);
        for (uint256 i = 0; i < _models.length; ++i) {
            assertEq(settlement.lane(payer.addr, operator, _models[i]).units, _units[payer.addr][_models[i]]);
        }
    }

    /// @dev Vouchers of two payers in two lanes each, in the order in which they were signed. Fees of one base unit are
    ///      left out: they cannot pay protocol and publisher both, see `_split`.
    function _history(uint256 seed, uint256 length, uint256 maxFee)
        private
        returns (IInferenceSettlement.Voucher[] memory vouchers)
    {
        vouchers = new IInferenceSettlement.Voucher[](length);
        for (uint256 i = 0; i < length; ++i) {
            uint256 random = uint256(keccak256(abi.encode(seed, i)));
            address from = random & 1 == 0 ? payer.addr : secondPayer.addr;
            bytes32 model = _models[(random >> 1) & 1];
            // forge-lint: disable-start(unsafe-typecast)
            _fees[from][model] += uint128(2 + (random >> 8) % maxFee);
            _units[from][model] += uint64((random >> 160) % 1e6);
            // forge-lint: disable-end(unsafe-typecast)
            vouchers[i] = _voucher(from, operator, _fees[from][model], _units[from][model]);
            vouchers[i].modelId = model;
        }
    }

    function _addSigned(IInferenceSettlement.Voucher memory voucher) private {
        _add(voucher, _signVoucher(voucher, voucher.payer == payer.addr ? payer : secondPayer));
    }

    function _shuffle(IInferenceSettlement.Voucher[] memory vouchers, uint256 seed) private pure {
        for (uint256 left = vouchers.length; left > 1; --left) {
            uint256 pick = uint256(keccak256(abi.encode("shuffle", seed, left))) % left;
            (vouchers[pick], vouchers[left - 1]) = (vouchers[left - 1], vouchers[pick]);
        }
    }

    function _owedBy(address from) private view returns (uint256) {
        return uint256(_fees[from][_models[0]]) + _fees[from][_models[1]];
    }

    /// @dev All that settling may change, but for the numbering of batches.
    function _stateHash() private view returns (bytes32 hash) {
        hash = keccak256(
            abi.encode(
                settlement.channel(payer.addr, operator),
                settlement.channel(secondPayer.addr, operator),
                settlement.earnings(operator),
                settlement.credited(reserve)
            )
        );
        for (uint256 i = 0; i < _models.length; ++i) {
            hash = keccak256(
                abi.encode(
                    hash,
                    settlement.lane(payer.addr, operator, _models[i]),
                    settlement.lane(secondPayer.addr, operator, _models[i]),
                    settlement.royalties(_models[i])
                )
            );
        }
    }
}
